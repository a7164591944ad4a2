-- SPDX-License-Identifier: MIT
local function safe(row, board, distance)
  while board do
    local difference = board.head - row
    if difference == 0 or difference == distance or difference == -distance then return false end
    board, distance = board.tail, distance + 1
  end
  return true
end
local function place(left, board)
  if left == 0 then return 1 end
  local ways = 0
  for row = 1, 10 do
    if safe(row, board, 1) then ways = ways + place(left - 1, {head = row, tail = board}) end
  end
  return ways
end
local sum = 0
for _ = 1, 10 do sum = sum + place(10, nil) end
print(sum)
