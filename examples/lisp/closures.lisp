; SPDX-License-Identifier: MIT
; Scopes, assignment, and recursion that is deep or endless.

(define (make-counter)
  (define count 0)
  (lambda () (set! count (+ count 1)) count))

(define first-counter (make-counter))
(define second-counter (make-counter))
(first-counter)
(first-counter)
(print "counters:" (first-counter) (second-counter))

; Two closures over one variable.
(define (make-account balance)
  (define (deposit amount) (set! balance (+ balance amount)))
  (define (withdraw amount)
    (if (> amount balance) (error "only" balance "left") (set! balance (- balance amount))))
  (list deposit withdraw))

(let ((account (make-account 100)))
  ((car account) 50)
  (print "balance:" ((car (cdr account)) 30))
  (print (try ((car (cdr account)) 500) (lambda (message) message))))

(define (compose f g) (lambda args (f (apply g args))))
(print "composed:" ((compose - +) 1 2 3))

(define (tagged tag . rest) (cons tag rest))
(print (tagged 'numbers 1 2 3) (tagged 'none))

; Mutual recursion, which takes no room.
(define (even? n) (if (= n 0) #t (odd? (- n 1))))
(define (odd? n) (if (= n 0) #f (even? (- n 1))))
(print "even:" (even? 10000) (even? 10001))

; Recursion that does take room, within a cond and within an argument.
(define (depth n) (cond ((= n 0) 0) (else (+ 1 (depth (- n 1))))))
(print "depth:" (depth 10000))

; A shadowed name, and a global one changed from inside.
(define x 'outer)
(define (shadow x) (set! x 'inner) x)
(print (shadow 'argument) x)
(define (change) (set! x 'changed))
(change)
(print x)
