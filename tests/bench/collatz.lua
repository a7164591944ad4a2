-- SPDX-License-Identifier: MIT
local best, longest = 1, 1
for start = 1, 299999 do
  local n, length = start, 1
  while n ~= 1 do
    if n % 2 == 0 then n = n / 2 else n = n * 3 + 1 end
    length = length + 1
  end
  if length > longest then best, longest = start, length end
end
print(best .. " " .. longest)
