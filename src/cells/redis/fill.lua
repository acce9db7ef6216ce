local value, lease, stale = unpack(KEYS)
if redis.call('GET', lease) ~= ARGV[1] then return { 'passed' } end
redis.call('DEL', value, lease, stale)
local life = tonumber(ARGV[2])
if life < 0 then redis.call('SET', value, ARGV[4]) end
if life > 0 then
  local time = redis.call('TIME')
  local ends = string.format('%d:', time[1] * 1000 + math.floor(time[2] / 1000) + life)
  redis.call('SET', value, ARGV[4], 'PX', life)
  redis.call('SET', stale, ends .. ARGV[4], 'PX', life + ARGV[3])
end
return { 'ok' }
