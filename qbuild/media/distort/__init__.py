"""Pictures and videos spoiled on purpose."""
