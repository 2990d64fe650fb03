"""What a container says without its graphs: header, partitions, inputs and outputs, gears."""
