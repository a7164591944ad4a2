-- SPDX-License-Identifier: MIT
local limit, sum = 1000000, 0
for _ = 1, 10 do
  local composite = {}
  for i = 1, limit do composite[i] = false end
  local i = 2
  while i * i <= limit do
    if not composite[i] then
      for j = i * i, limit, i do composite[j] = true end
    end
    i = i + 1
  end
  for n = 2, limit do
    if not composite[n] then sum = sum + 1 end
  end
end
print(sum)
