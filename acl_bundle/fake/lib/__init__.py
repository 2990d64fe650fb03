"""The fake, as a program's linker finds it: libascendcl.so lies in this folder."""
