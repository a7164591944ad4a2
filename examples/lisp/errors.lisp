; SPDX-License-Identifier: MIT
; A failure ends every evaluation around it, up to a `try`, or else to the end of the program.

(define (message text) (string-append "caught " text))
(define (ignore x) 'ignored)

(print (try (car '()) message))
(print (try (car 5) message))
(print (try (+ 1 "one") message))
(print (try (/ 1 0) message))
(print (try (cons 1) message))
(print (try ((lambda (x y) x) 1) message))
(print (try (if) message))
(print (try (let ((x)) x) message))
(print (try (lambda (1) 1) message))
(print (try nowhere message))
(print (try (set! nowhere 1) message))
(print (try ("not" "a procedure") message))
(print (try (list 1 (list 2 (error "deep inside" '(1 . 2)))) message))
(print (try (begin (define (f) (define a b) (define b 1) a) (f)) message))
(print (try (+ 1 2) message) (try (error "x") ignore))

(define (divide a b)
  (/ a b))

(divide
  1 (- 1 1))
(print "not reached")
