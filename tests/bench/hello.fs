\ SPDX-License-Identifier: MIT
." hello" cr bye
