"""What the tests share: paths, child processes, and the deployments under test."""
