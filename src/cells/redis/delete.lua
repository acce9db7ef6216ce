local n = #KEYS / 3
redis.call('DEL', unpack(KEYS, n + 1))
return { 'ok', tostring(redis.call('DEL', unpack(KEYS, 1, n))) }
