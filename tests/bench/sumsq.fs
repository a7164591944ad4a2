\ SPDX-License-Identifier: MIT
: sumsq ( n -- sum ) 0 swap 1+ 1 ?do i dup * 65535 and + loop ;
10000000 sumsq 0 .r cr bye
