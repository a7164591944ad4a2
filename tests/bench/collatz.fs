\ SPDX-License-Identifier: MIT
: chain ( n -- length ) 1 begin over 1 <> while swap dup 1 and if 3 * 1+ else 2/ then swap 1+ repeat nip ;
: longest ( limit -- start length ) 1 1 rot 1 ?do i chain 2dup < if nip nip i swap else drop then loop ;
300000 longest swap 0 .r space 0 .r cr bye
