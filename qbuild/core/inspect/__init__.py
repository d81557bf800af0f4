"""What stands in artifacts: shown, validated, compared, traced."""
