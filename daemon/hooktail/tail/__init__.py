"""Reading files that grow: what is new becomes whole lines, each handed over once.

Terms: a *file* is an inode with its content; a *path* is only where it was last seen. A *turn*
reads at most a byte budget from one file. The *offset* of a file is the end of the last line
handed over; it never rests inside a line.
"""
