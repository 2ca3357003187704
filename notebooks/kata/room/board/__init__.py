"""The teacher's board: a page on which a room sees how far it is, for as long as the workshop lasts.

Whoever joins sends a name of their choosing, and of each finding that they have judged its id, the verdict's one
word, and when. Nothing else is sent, kept or shown. The learner's side is `membership` and `telling`, the teacher's
`teacher`, and both speak as `message` says.
"""
