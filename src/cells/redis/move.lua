if redis.call('EXISTS', KEYS[2]) == 0 then return { 'absent' } end
redis.call('RENAME', KEYS[2], KEYS[1])
redis.call('DEL', unpack(KEYS, 3))
return { 'ok' }
