if redis.call('EXISTS', KEYS[1]) == 0 then return { 'absent' } end
local done = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(done) == 'table' then return { 'not-an-integer' } end
return { 'ok', redis.call('GET', KEYS[1]) }
