if #found > 2 then redis.call('UNLINK', unpack(found, 3)) end
return { 'ok', page[1], tostring(#found - 2) }
