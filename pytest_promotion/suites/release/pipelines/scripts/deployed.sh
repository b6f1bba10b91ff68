mkdir -p deployed
cp "$RUNTIME"/deploy_report_"$TARGET"_*.json deployed/
