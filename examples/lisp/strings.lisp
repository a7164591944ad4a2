; SPDX-License-Identifier: MIT
; Strings: what the reader makes of them, and what can be made of them.

(define (join separator strings)
  (if (null? strings)
      ""
      (let loop ((done (car strings)) (rest (cdr strings)))
        (if (null? rest) done (loop (string-append done separator (car rest)) (cdr rest))))))

(define (repeat text n) (if (= n 0) "" (string-append text (repeat text (- n 1)))))

(define (reverse-string text)
  (let loop ((at 0) (done ""))
    (if (= at (string-length text))
        done
        (loop (+ at 1) (string-append (substring text at 1) done)))))

(define (palindrome? text) (equal? text (reverse-string text)))

(print "a \"quoted\" word, a \\ and a\ttab")
(print (show "a \"quoted\" word, a \\ and a\ttab"))
(print (string-length "grüße") (string-upcase "grüße") (reverse-string "grüße"))
(print (join ", " (string-split "red green blue" " ")))
(print (repeat "ab" 3) (palindrome? "racecar") (palindrome? "lisp"))
(print (string->number "42") (string->number "forty") (number->string 42))
(print (equal? (string->symbol "abc") 'abc) (symbol->string 'abc) (kind "abc") (kind 'abc))
(print (string-contains? "needle in a haystack" "hay"))
