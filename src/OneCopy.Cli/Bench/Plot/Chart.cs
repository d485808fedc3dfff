namespace OneCopy.Cli.Bench.Plot;

/// <summary>A point of a line, with the range that it is the median of.</summary>
internal readonly record struct Point(double X, double Y, double Least, double Most);

/// <summary>How a line is drawn.</summary>
internal enum Stroke
{
    Usual,

    /// <summary>What the picture is about.</summary>
    Strong,

    /// <summary>What the others are held against.</summary>
    Dashed,
}

/// <summary>One way over all sizes.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Points">At least one.</param>
/// <param name="Stroke">How it is drawn.</param>
/// <param name="Number">Its colour and mark, where they are to be the same in several rows; null: by its place in the row.</param>
internal sealed record Line(string Name, IReadOnlyList<Point> Points, Stroke Stroke = Stroke.Usual, int? Number = null);

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

/// <summary>A picture: a title, and rows of panels, all of one size.</summary>
internal sealed record Chart(string Title, string Subtitle, IReadOnlyList<PanelRow> Rows, double PanelWidth = 580, double PanelHeight = 400);
