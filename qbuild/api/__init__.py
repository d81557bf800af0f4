"""The functions behind `import qbuild`; import them from there."""
