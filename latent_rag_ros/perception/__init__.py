"""Where the persons of a frame are: detector, mask, tracker."""
