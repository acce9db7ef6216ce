-- More than there is room for is found again: SCAN returns whole buckets.
local count = math.min(#found - 2, tonumber(ARGV[5]))
if count > 0 then redis.call('UNLINK', unpack(found, 3, count + 2)) end
return { 'ok', count < #found - 2 and 'again' or page[1], tostring(count) }
