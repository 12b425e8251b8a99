-- Sends the hooks of a file, one a line, from its first line on; the path is in HOOK_PATH, the file in HOOK_FILE.
local bodies = {}
for line in io.lines(os.getenv("HOOK_FILE")) do bodies[#bodies + 1] = line end
local at = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  at = at % #bodies + 1
  return wrk.format(nil, os.getenv("HOOK_PATH"), nil, bodies[at])
end
