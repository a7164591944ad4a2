\ SPDX-License-Identifier: MIT
\ A board is a list of cells ( row rest ), which lie behind each other in the dictionary while they are in use.
: safe? ( row board distance -- flag )
  begin over while
    over @ 3 pick -                                     \ row board distance difference
    dup 0= over 3 pick = or swap negate 2 pick = or
    if 2drop drop false exit then
    1+ swap cell+ @ swap
  repeat 2drop drop true ;
: ways ( left board -- ways )
  over 0= if 2drop 1 exit then
  0 11 1 do                                             \ left board ways
    i 2 pick 1 safe? if
      here i , 2 pick ,                                 \ left board ways cell
      3 pick 1- over recurse swap here - allot +
    then
  loop nip nip ;
: rounds ( count -- sum ) 0 swap 0 ?do 10 0 ways + loop ;
10 rounds 0 .r cr bye
