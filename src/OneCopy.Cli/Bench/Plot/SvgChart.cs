using System.Xml;

namespace OneCopy.Cli.Bench.Plot;

/// <summary>Writes a <see cref="Chart"/> as SVG: a picture that needs no fonts, scripts or files of its own.</summary>
internal sealed partial class SvgChart
{
    private const string Namespace = "http://www.w3.org/2000/svg";
    private const double HeadHeight = 84;
    private const double Margin = 24;
    private const double LegendLine = 22;
    private const double LegendTop = 12;
    private const double FootHeight = 12;

    // An average character of a sans-serif font, in parts of its size; legends are laid out by it.
    private const double CharacterWidth = 0.6;
    private const double Small = 13;
    private const double Big = 22;

    // Told apart by people who do not see all colours (Okabe and Ito), and by their marks.
    private static readonly string[] s_colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c564b", "#7f7f7f", "#6a3d9a"];

    private readonly XmlWriter _xml;
    private readonly Chart _chart;

    private SvgChart(XmlWriter xml, Chart chart) => (_xml, _chart) = (xml, chart);

    private double PanelWidth => _chart.PanelWidth;

    private double PanelHeight => _chart.PanelHeight;

    public static void Write(Chart chart, string path)
    {
        using XmlWriter xml = XmlWriter.Create(path, new XmlWriterSettings { Indent = true, CloseOutput = true });
        new SvgChart(xml, chart).Write();
    }

    private void Write()
    {
        Chart chart = _chart;
        int columns = chart.Rows.Count == 0 ? 1 : chart.Rows.Max(r => r.Panels.Count);
        double width = (2 * Margin) + (columns * PanelWidth);
        double height = HeadHeight + chart.Rows.Sum(r => RowHeight(r, width)) + FootHeight;
        _xml.WriteStartElement("svg", Namespace);
        _xml.WriteAttributeString("viewBox", $"0 0 {N(width)} {N(height)}");
        _xml.WriteAttributeString("width", N(width));
        _xml.WriteAttributeString("height", N(height));
        _xml.WriteAttributeString("font-family", "'DejaVu Sans', Verdana, Arial, sans-serif");
        _xml.WriteElementString("title", Namespace, chart.Title);
        Element("rect", ("width", N(width)), ("height", N(height)), ("fill", "white"));
        Text(Margin, 36, chart.Title, Big, "start", bold: true);
        Text(Margin, 60, chart.Subtitle, Small, "start");
        double y = HeadHeight;
        foreach (PanelRow row in chart.Rows)
        {
            Row(row, y, width);
            y += RowHeight(row, width);
        }

        _xml.WriteEndElement();
    }

    private void Row(PanelRow row, double top, double width)
    {
        Line[] ways = WaysOf(row);
        for (int i = 0; i < row.Panels.Count; i++)
            PanelAt(row.Panels[i], ways, Margin + (i * PanelWidth), top);
        (int columns, double wide) = Legend(ways, width);
        for (int i = 0; i < ways.Length; i++)
        {
            double x = Margin + PanelLeft + (i % columns * wide), y = top + PanelHeight + LegendTop + (i / columns * LegendLine);
            int number = NumberOf(ways[i], ways);
            Element("line", [("x1", N(x)), ("y1", N(y)), ("x2", N(x + 28)), ("y2", N(y)), .. StrokeOf(ways[i], number)]);
            Mark(number, x + 14, y);
            Text(x + 34, y + 4.5, ways[i].Name, Small, "start");
        }
    }

    private double RowHeight(PanelRow row, double width)
    {
        Line[] ways = WaysOf(row);
        int columns = Legend(ways, width).Columns;
        return PanelHeight + LegendTop + ((ways.Length + columns - 1) / columns * LegendLine) + FootHeight;
    }

    /// <summary>As many columns as have room for the longest name.</summary>
    private static (int Columns, double Width) Legend(Line[] ways, double width)
    {
        double wide = 54 + (ways.Select(w => w.Name.Length).DefaultIfEmpty().Max() * Small * CharacterWidth);
        return (Math.Max((int)((width - (2 * Margin) - PanelLeft) / wide), 1), wide);
    }

    private static Line[] WaysOf(PanelRow row) =>
        [.. row.Panels.SelectMany(p => p.Lines).DistinctBy(l => l.Name, StringComparer.Ordinal).OrderBy(l => l.Number ?? 0)];

    private static int NumberOf(Line line, Line[] ways) => line.Number ?? Array.FindIndex(ways, w => string.Equals(w.Name, line.Name, StringComparison.Ordinal));

    private static (string, string)[] StrokeOf(Line line, int number) =>
    [
        ("stroke", ColourOf(number)), ("stroke-width", line.Stroke == Stroke.Strong ? "3.4" : line.Stroke == Stroke.Dashed ? "1.6" : "2"),
        ("stroke-dasharray", line.Stroke == Stroke.Dashed ? "5 4" : "none"),
    ];

    private static string ColourOf(int number) => s_colours[number % s_colours.Length];

    private static string N(double value) => Math.Round(value, 2).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
