local reply, size = { 'ok' }, 0
for i = 1, #KEYS do
  local value = redis.call('GET', KEYS[i])
  size = size + #(value or '')
  if size > 4194304 then return { 'too-large' } end
  reply[2 * i] = value and tostring(redis.call('PTTL', KEYS[i])) or '-2'
  reply[2 * i + 1] = value or ''
end
return reply
