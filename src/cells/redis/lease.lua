local value, lease, stale = unpack(KEYS)
local found = redis.call('GET', value)
if found then return { 'value', tostring(redis.call('PTTL', value)), found } end
if redis.call('SET', lease, ARGV[1], 'PX', ARGV[2], 'NX') then return { 'turn', ARGV[1] } end
if ARGV[3] == '0' then return { 'wait' } end
local copy = redis.call('GET', stale)
if copy then
  local time = redis.call('TIME')
  local at = copy:find(':', 1, true)
  -- Gone before its time, it was deleted.
  if time[1] * 1000 + time[2] / 1000 >= tonumber(copy:sub(1, at - 1)) then return { 'value', '0', copy:sub(at + 1) } end
end
if redis.call('PTTL', lease) < tonumber(ARGV[2]) then redis.call('PEXPIRE', lease, ARGV[2]) end
return { 'turn', redis.call('GET', lease) }
