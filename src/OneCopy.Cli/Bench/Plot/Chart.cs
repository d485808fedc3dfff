namespace OneCopy.Cli.Bench.Plot;

/// <summary>A point of a line, with the range that it is the median of.</summary>
internal readonly record struct Point(double X, double Y, double Least, double Most);

/// <summary>One way over all sizes.</summary>
internal sealed record Line(string Name, IReadOnlyList<Point> Points);

/// <summary>A pair of axes, both logarithmic, and the lines between them.</summary>
/// <param name="Title">Above it.</param>
/// <param name="XTitle">Below the horizontal axis.</param>
/// <param name="YTitle">Beside the vertical axis.</param>
/// <param name="XLabel">The words for a place on the horizontal axis.</param>
/// <param name="YLabel">The words for a place on the vertical axis.</param>
/// <param name="Lines">What is drawn; empty if there is <paramref name="Absence"/>.</param>
/// <param name="Absence">Why there is nothing to draw.</param>
internal sealed record Panel(
    string Title, string XTitle, string YTitle, Func<double, string> XLabel, Func<double, string> YLabel, IReadOnlyList<Line> Lines, string? Absence = null);

/// <summary>Panels side by side that have the same ways, and one legend for them.</summary>
internal sealed record PanelRow(IReadOnlyList<Panel> Panels);

/// <summary>A picture: a title, and rows of panels.</summary>
internal sealed record Chart(string Title, string Subtitle, IReadOnlyList<PanelRow> Rows);
