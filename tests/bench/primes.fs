\ SPDX-License-Identifier: MIT
: prime? ( n -- flag ) 2 begin 2dup dup * >= while 2dup mod 0= if 2drop false exit then 1+ repeat 2drop true ;
: primes ( limit -- count ) 0 swap 2 ?do i prime? if 1+ then loop ;
200000 primes 0 .r cr bye
