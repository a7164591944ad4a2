-- SPDX-License-Identifier: MIT
local function map(list, f)
  local out = {}
  for i = 1, #list do out[i] = f(list[i]) end
  return out
end
local function filter(list, f)
  local out = {}
  for i = 1, #list do
    if f(list[i]) then out[#out + 1] = list[i] end
  end
  return out
end
local function fold(list, start, f)
  for i = 1, #list do start = f(start, list[i]) end
  return start
end
local sum = 0
for _ = 1, 5 do
  local list = {}
  for i = 1, 1000000 do list[#list + 1] = i end
  list = map(list, function(x) return x * 3 + 1 end)
  list = filter(list, function(x) return x % 2 == 0 end)
  sum = sum + fold(list, 0, function(a, x) return a + x end)
end
print(string.format("%d", sum))
