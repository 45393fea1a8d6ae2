"""Say what was found, in the form that a terminal, a browser or another program reads.

Every form is made of the same rows that ``kurt validate --json`` writes, and of
the judged files, whose text is made harmless first. The same rows and files
give the same output, byte for byte: no time, no name of this machine.
"""
