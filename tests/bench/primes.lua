-- SPDX-License-Identifier: MIT
local function prime(n)
  for d = 2, n do
    if d * d > n then return true end
    if n % d == 0 then return false end
  end
  return true
end
local found = 0
for n = 2, 199999 do
  if prime(n) then found = found + 1 end
end
print(found)
