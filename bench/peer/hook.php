<?php
// What an operator writes by hand in place of authgate: may the client with this token connect?
// The token's signature and time, its user in the database, a line in the audit table, and the hook as answer.
declare(strict_types=1);

function decoded(string $part): string
{
    return (string) base64_decode(strtr($part, '-_', '+/'), true);
}

function answer(int $status, array $body): never
{
    http_response_code($status);
    header('Content-Type: application/json');
    echo json_encode($body, JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE);
    exit;
}

$hook = json_decode((string) file_get_contents('php://input'), true);
$token = is_array($hook) && is_array($hook['custom'] ?? null) ? ($hook['custom']['token'] ?? null) : null;
$parts = is_string($token) ? explode('.', $token) : [];
$user = null;
$reason = 'token_invalid';
if (count($parts) === 3) {
    $header = json_decode(decoded($parts[0]), true);
    $claims = json_decode(decoded($parts[1]), true);
    $mac = hash_hmac('sha256', "$parts[0].$parts[1]", $_SERVER['TOKEN_KEY'], true);
    if (($header['alg'] ?? '') === 'HS256' && hash_equals($mac, decoded($parts[2])) && is_int($claims['exp'] ?? null)) {
        $reason = $claims['exp'] + 30 > time() ? 'ok' : 'token_expired';
        $user = is_string($claims['sub'] ?? null) ? $claims['sub'] : null;
    }
}

$db = new PDO("sqlite:{$_SERVER['DATABASE']}", null, null, [PDO::ATTR_PERSISTENT => true, PDO::ATTR_TIMEOUT => 5]);
$db->exec('PRAGMA synchronous = NORMAL'); // the file is in WAL mode: a power cut may take the last lines, never the file
if ($reason === 'ok') {
    $found = $db->prepare('SELECT enabled FROM users WHERE name = ?');
    $found->execute([$user]);
    $enabled = $found->fetchColumn();
    $found->closeCursor();
    $reason = $enabled === false ? 'user_unknown' : ($enabled ? 'ok' : 'user_disabled');
}
$db->prepare('INSERT INTO records (at, node, session, app, user, reason) VALUES (?, ?, ?, ?, ?, ?)')->execute(
    [(int) (microtime(true) * 1000), $hook['nodeId'] ?? '', $hook['sessionId'] ?? '', $hook['appKey'] ?? '', $user, $reason],
);
if ($reason !== 'ok') {
    answer(403, ['status' => 403, 'reason' => 'Access denied']);
}
$asked = ['clientExclude' => '', 'restExclude' => 'sdp', 'restOnError' => 'FAIL', 'restPolicy' => 'NOTIFY', 'restOverwrite' => ''];
answer(200, $hook + ['restClientConfig' => ['publishStream' => $asked, 'playStream' => $asked]]);
