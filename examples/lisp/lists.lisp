; SPDX-License-Identifier: MIT
; Words on lists, and what can be made of them.

(define (fold f start items)
  (if (null? items) start (fold f (f start (car items)) (cdr items))))

(define (reverse items) (fold (lambda (done item) (cons item done)) '() items))

(define (map f items)
  (if (null? items) '() (cons (f (car items)) (map f (cdr items)))))

(define (filter keep? items)
  (cond ((null? items) '())
        ((keep? (car items)) (cons (car items) (filter keep? (cdr items))))
        (else (filter keep? (cdr items)))))

(define (range from to)
  (let loop ((n (- to 1)) (made '()))
    (if (< n from) made (loop (- n 1) (cons n made)))))

(define (sort items)
  (if (null? items)
      '()
      (let ((pivot (car items)) (others (cdr items)))
        (append (sort (filter (lambda (x) (< x pivot)) others))
                (list pivot)
                (sort (filter (lambda (x) (>= x pivot)) others))))))

; Queens that do not attack each other: rows of the columns so far, the last one first.
(define (safe? row distance placed)
  (or (null? placed)
      (and (not (= (car placed) row))
           (not (= (car placed) (+ row distance)))
           (not (= (car placed) (- row distance)))
           (safe? row (+ distance 1) (cdr placed)))))

(define (queens size)
  (define (place column placed)
    (if (= column size)
        1
        (apply + (map (lambda (row)
                        (if (safe? row 1 placed) (place (+ column 1) (cons row placed)) 0))
                      (range 0 size)))))
  (place 0 '()))

(print (reverse '(1 2 (3 4) "five" six)))
(print (map (lambda (n) (* n n)) (range 1 11)))
(print (filter (lambda (n) (= (% n 3) 0)) (range 0 20)))
(print (sort '(31 41 59 26 53 58 97 93 23 84)))
(print (append '(1) '() '(2 3) '((4))) '(a . b) '(1 2 . 3))
(print "sum of a long list:" (fold + 0 (range 0 5000)) "its length:" (length (map - (range 0 5000))))
(print "queens:" (queens 6))
