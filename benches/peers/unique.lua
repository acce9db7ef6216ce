-- Every request is for another page.
local number = 0
local run = os.time()

request = function()
  number = number + 1
  return wrk.format("GET", wrk.path .. "?run=" .. run .. "&number=" .. number)
end
