"""What coordinator and replicas say to each other, and what can go wrong between them."""
