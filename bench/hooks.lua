-- Sends the requests of the file in HOOKS one after the other, and tells what came of them in a last line of JSON.
-- Each is eight digits, its length in bytes, and the bytes as they are sent. After the last one comes the first again.
local file = assert(io.open(os.getenv("HOOKS"), "rb"))

request = function()
  local length = file:read(8)
  if not length then
    file:seek("set")
    length = file:read(8)
  end
  return file:read(tonumber(length))
end

done = function(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '{"hooks": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "p999": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency:percentile(99.9) / 1e3,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout
  ))
end
