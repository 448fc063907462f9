"""Charts as SVG in the page: values in, safe markup out. No script, no `style=`, classes only.

Each drawing has a name (its `<title>`), says nothing by colour alone, and is
drawn left to right in time also where text runs right to left; bars begin
where reading begins. A chart that is more than a mark in a table comes with
its table: `figure` in `templatetags.charts` puts the two together.

Nothing here knows what is counted. Doors: `sparkline`, `series`, `bars`,
`strip`, `ticks`, `squares`, `levels`, `falls`.
"""
