-- SPDX-License-Identifier: MIT
local joined, count, doubled, sum, rejoined = 0, 0, 0, 0, 0
for _ = 1, 5 do
  local names = {}
  for i = 0, 199999 do names[#names + 1] = "p" .. i end
  local text = table.concat(names, ",")
  joined = joined + #text
  local parts = {}
  for part in text:gmatch("[^,]+") do parts[#parts + 1] = part end
  count = count + #parts
  for _, part in ipairs(parts) do
    doubled = doubled + #(part .. "-" .. part)
    sum = sum + tonumber(part:sub(2))
  end
  rejoined = rejoined + #table.concat(parts, ";")
end
print(string.format("%d %d %d %d %d", joined, count, doubled, sum, rejoined))
