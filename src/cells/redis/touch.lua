if redis.call('EXISTS', KEYS[1]) == 0 then return { 'absent' } end
if ARGV[1] == '-1' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { 'ok' }
