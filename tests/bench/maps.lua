-- SPDX-License-Identifier: MIT
local map, count = {}, 500000
for i = 0, count - 1 do map["key" .. i] = i end
local function sum()
  local total = 0
  for i = 0, count - 1 do total = total + (map["key" .. i] or 0) end
  return total
end
local before = sum()
for i = 0, count - 1, 2 do map["key" .. i] = nil end
local left = 0
for _ in pairs(map) do left = left + 1 end
print(string.format("%d %d %d", before, left, sum()))
