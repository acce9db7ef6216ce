local n = #KEYS / 3
for i = 1, n do
  if ARGV[1] == '0' then redis.call('DEL', KEYS[i])
  elseif ARGV[1] == '-1' then redis.call('SET', KEYS[i], ARGV[i + 1])
  else redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', ARGV[1]) end
end
redis.call('DEL', unpack(KEYS, n + 1))
return { 'ok' }
