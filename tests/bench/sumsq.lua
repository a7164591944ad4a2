-- SPDX-License-Identifier: MIT
-- % and not &, which Lua 5.1 and so LuaJIT do not have
local sum = 0
for i = 1, 10000000 do
  sum = sum + i * i % 65536
end
print(string.format("%d", sum))
