"""How many hooks this machine answers: load from a process of its own, on a server and a store that harm nothing."""
