"""From a case to a prediction on the case's own grid."""
