"""The verbs of `python3 server`.

Owns: the command line (`main`), the life cycle of the process (`hosting`, with
    several workers `supervising`), and one file for each verb.
Promises: exit 0 good, 1 the data is bad, 2 usage or environment; data on stdout, progress on stderr; messages say what
    is wrong and what to type next; SIGTERM and Ctrl-C leave no process behind.
May call: everything below.
Never: decides a business rule.

`main` declares the verbs and imports nothing heavy, so that help and completion answer at once; a verb's body is the
module of its name in this package, which is loaded when it runs.
"""
