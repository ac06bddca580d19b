# Checks that are no Check programs: of the repository, the headers, the compilers' messages and the
# installed package. They have labels of their own, so that builds for sanitizers leave them out.
set(repository_checks)
