local page = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local found = { 'ok', page[1] }
for _, name in ipairs(page[2]) do
  if name:match('^%d+:', tonumber(ARGV[4]) + 1) then found[#found + 1] = name end
end
