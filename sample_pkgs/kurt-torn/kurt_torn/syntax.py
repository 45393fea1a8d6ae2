class Tool(
