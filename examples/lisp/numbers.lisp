; SPDX-License-Identifier: MIT
; Recursion on numbers.

(define (factorial n)
  (if (= n 0) 1 (* n (factorial (- n 1)))))

(define (fibonacci n)
  (if (< n 2) n (+ (fibonacci (- n 1)) (fibonacci (- n 2)))))

; The same with a loop.
(define (fast-fibonacci n)
  (let loop ((n n) (a 0) (b 1))
    (if (= n 0) a (loop (- n 1) b (+ a b)))))

(define (gcd a b) (if (= b 0) a (gcd b (% a b))))

(define (prime? n)
  (let try-divisor ((d 2))
    (cond ((> (* d d) n) (> n 1))
          ((= (% n d) 0) #f)
          (else (try-divisor (+ d 1))))))

(define (count-primes below)
  (let loop ((n 2) (found 0))
    (if (= n below) found (loop (+ n 1) (if (prime? n) (+ found 1) found)))))

(print "20! is" (factorial 20))
(print "fibonacci:" (fibonacci 15) (fast-fibonacci 80))
(print "gcd:" (gcd 1071 462))
(print "primes below 500:" (count-primes 500))
