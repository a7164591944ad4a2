\ SPDX-License-Identifier: MIT
: fib ( n -- f ) dup 2 < if else dup 1- recurse swap 2 - recurse + then ;
35 fib 0 .r cr bye
