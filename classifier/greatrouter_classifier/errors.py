"""What the classifier can refuse.

ClassifierError
└── ArtifactInvalid        a shipped file (exemplars, vectors, weights) is missing, malformed or does not fit the others
"""


class ClassifierError(Exception):
    """Root of everything this package raises."""


class ArtifactInvalid(ClassifierError):
    pass
